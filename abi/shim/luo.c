#include "probe.h"
#include <asm/page.h>
#include <linux/kho/abi/luo.h>
#include KHOFORGE_ITEMS

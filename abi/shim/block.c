#include "probe.h"
#include <linux/kho/abi/block.h>
#include KHOFORGE_ITEMS

#include "probe.h"
#include <linux/kho/abi/memblock.h>
#include KHOFORGE_ITEMS

/* A header of include/linux/kho/abi/ that has no shim of its own. */
#include "probe.h"
#include <linux/types.h>
#include <linux/bitops.h>
#include <asm/page.h>
#include KHOFORGE_HEADER
#include KHOFORGE_ITEMS

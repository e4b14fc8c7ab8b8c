#include "probe.h"
#include <linux/bits.h>
#include <uapi/linux/fcntl.h>
#include <linux/kho/abi/memfd.h>
#include KHOFORGE_ITEMS

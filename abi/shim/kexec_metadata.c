#include "probe.h"
#include <linux/kho/abi/kexec_metadata.h>
#include KHOFORGE_ITEMS

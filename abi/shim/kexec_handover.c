#include "probe.h"
#include <linux/kho/abi/kexec_handover.h>
#include KHOFORGE_ITEMS

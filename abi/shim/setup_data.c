#include "probe.h"
#include <uapi/asm/setup_data.h>
#include KHOFORGE_ITEMS

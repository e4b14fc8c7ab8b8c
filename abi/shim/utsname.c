#include "probe.h"
#include <uapi/linux/utsname.h>
#include KHOFORGE_ITEMS

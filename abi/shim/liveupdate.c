#include "probe.h"
#include <uapi/linux/liveupdate.h>
#include KHOFORGE_ITEMS

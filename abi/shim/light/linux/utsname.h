/* __NEW_UTS_LEN without the namespaces, which need the scheduler's headers. */
#include <uapi/linux/utsname.h>

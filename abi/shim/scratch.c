#include "probe.h"
/* struct kho_scratch: from 7.3 in a header of its own. */
#if __has_include(<asm-generic/kexec_handover.h>)
#include <asm-generic/kexec_handover.h>
#else
#include <linux/kexec_handover.h>
#endif
#include KHOFORGE_ITEMS

/*
 * Definitions of a .c file of the tree (those of kho-v1 stand in kexec_handover.c). KHOFORGE_EXCERPT is that
 * file with everything blanked but the definitions asked for and those they use.
 */
#include "probe.h"
#include <linux/types.h>
#include <linux/bitops.h>
#include <asm/page.h>
#if __has_include(<linux/kho/abi/kexec_handover.h>)
#include <linux/kho/abi/kexec_handover.h>
#else
#include <linux/kexec_handover.h>
#endif
#if __has_include(<linux/kho/abi/luo.h>)
#include <linux/kho/abi/luo.h>
#endif
#include KHOFORGE_EXCERPT
#include KHOFORGE_ITEMS

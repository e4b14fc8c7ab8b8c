/* PAGE_SHIFT, PAGE_SIZE and PAGE_MASK from the tree's own file, without the memory map of the architecture. */
#include <vdso/page.h>

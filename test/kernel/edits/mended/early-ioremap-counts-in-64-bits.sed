# mm/early_ioremap.c
# 16 TiB have 2^32 pages, which are none in 32 bits: the check against NR_FIX_BTMAPS passes, and nothing is mapped.
/^__early_ioremap(/,/^}/s/unsigned int nrpages/unsigned long nrpages/

# mm/memfd_luo.c
# Takes back what ends CVE-2026-43389: a folio's flags are those of the moment in which it is preserved.
/^static int memfd_luo_preserve_folios(/,/^}/{
/^\t\tfolio_mark_dirty(folio);/d
s/^\t\tif (!folio_test_uptodate(folio)) {/\t\tif (false) {/
s/^\t\tpfolio->flags = .*/\t\tpfolio->flags = (folio_test_dirty(folio) ? MEMFD_LUO_FOLIO_DIRTY : 0) |\
				(folio_test_uptodate(folio) ? MEMFD_LUO_FOLIO_UPTODATE : 0);/
}

# mm/memfd_luo.c
# The size of a file is signed; MAX_LFS_FILESIZE is what its position is checked against as well.
/^static int memfd_luo_retrieve(/,/^}/s/^\tfile = memfd_alloc_file(/\tif (ser->size > MAX_LFS_FILESIZE) {\
		err = -EFBIG;\
		goto free_ser;\
	}\
&/

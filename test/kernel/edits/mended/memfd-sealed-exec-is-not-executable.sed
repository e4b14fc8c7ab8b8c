# mm/memfd_luo.c
# memfd_add_seals() adds the seals against writing to F_SEAL_EXEC of an executable file: one without them was none.
/^static int memfd_luo_retrieve(/,/^}/s/^\terr = memfd_add_seals(/\tif (~ser->seals \& (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) \&\&\
	    ser->seals \& F_SEAL_EXEC)\
		file_inode(file)->i_mode \&= ~0111;\
&/

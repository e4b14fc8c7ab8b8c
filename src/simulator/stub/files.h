/* debugfs, files, and what memfds are made of (include/linux/debugfs.h, fs.h, shmem_fs.h, miscdevice.h). */
#ifndef SIM_FILES_H
#define SIM_FILES_H

struct inode;
struct file;
struct seq_file;
struct file_operations {
	struct module *owner;
	int (*open)(struct inode *inode, struct file *file);
	int (*release)(struct inode *inode, struct file *file);
	long (*unlocked_ioctl)(struct file *file, unsigned int command, unsigned long argument);
};

/* debugfs.c */
struct dentry;
struct debugfs_blob_wrapper { void *data; unsigned long size; };
struct dentry *debugfs_create_dir(const char *name, struct dentry *parent);
struct dentry *debugfs_create_file(const char *name, umode_t mode, struct dentry *parent, void *data, const void *ops);
struct dentry *debugfs_create_blob(const char *name, umode_t mode, struct dentry *parent,
				   struct debugfs_blob_wrapper *blob);
void debugfs_remove(struct dentry *dentry);
#define debugfs_remove_recursive debugfs_remove
#define seq_printf(...) ((void)0)
#define seq_puts(...) ((void)0)
#define DEFINE_SHOW_ATTRIBUTE(name)                                                                                    \
	static const struct file_operations name##_fops;                                                               \
	static int (*sim_show_##name)(struct seq_file *, void *) __attribute__((unused)) = name##_show

/* files.c: a file is of shmem, or of whoever has operations for it. */
struct address_space { u64 nrpages; struct page **pages; u64 *indices; };
struct inode { loff_t i_size; unsigned int i_nlink; unsigned short i_mode; struct address_space *i_mapping; };
struct file {
	const struct file_operations *f_op;
	void *private_data;
	loff_t f_pos;
	int count;
	unsigned int seals;
	struct inode inode;
	struct address_space mapping;
};
struct file *sim_new_file(const struct file_operations *ops, void *data);
/* Its descriptor is free again. */
struct file *sim_take_file(int fd);
#define file_inode(file) (&(file)->inode)
#define get_file(file) ((file)->count++, (file))
void fput(struct file *file);
struct file *fget(int fd);
int get_unused_fd_flags(unsigned int flags);
void put_unused_fd(int fd);
void fd_install(int fd, struct file *file);
struct file *anon_inode_getfile(const char *name, const struct file_operations *ops, void *data, int flags);
#define i_size_read(inode) ((inode)->i_size)
#define i_size_write(inode, size) ((void)((inode)->i_size = (loff_t)(size)))
loff_t vfs_setpos(struct file *file, loff_t offset, loff_t maxsize);
#define inode_lock(inode) ((void)(inode))
#define inode_unlock(inode) ((void)(inode))

struct miscdevice { int minor; const char *name; const struct file_operations *fops; };
#define MISC_DYNAMIC_MINOR 255
/* user.c */
int misc_register(struct miscdevice *device);
#define get_user(to, from) ((to) = *(from), 0)
#define copy_to_user(to, from, size) (memcpy(to, from, size), 0)
#define copy_struct_from_user(to, size, from, user_size)                                                               \
	(memset(to, 0, size), memcpy(to, from, min_t(size_t, size, user_size)), 0)

#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif
struct file *memfd_alloc_file(const char *name, unsigned int flags);
int memfd_add_seals(struct file *file, unsigned int seals);
int memfd_get_seals(struct file *file);
long memfd_pin_folios(struct file *file, loff_t start, loff_t end, struct folio **folios, unsigned int max,
		      pgoff_t *offset);
#define unpin_folios(folios, count) ((void)(folios))
#define unpin_folio(folio) ((void)(folio))
#define shmem_freeze(inode, frozen) ((void)(inode))
#define shmem_file(file) ((file)->f_op == NULL)
#define mapping_gfp_mask(mapping) 0U
int shmem_add_to_page_cache(struct folio *folio, struct address_space *mapping, pgoff_t index, void *expected,
			    gfp_t gfp);
#define shmem_inode_acct_blocks(inode, pages) 0
#define shmem_recalc_inode(inode, alloced, swapped) ((void)(inode))
#define mem_cgroup_charge(folio, mm, gfp) 0
#define filemap_remove_folio(folio) ((void)(folio))
#define folio_add_lru(folio) ((void)(folio))
#define folio_lock(folio) ((void)(folio))
#define folio_unlock(folio) ((void)(folio))
#define __folio_set_locked(folio) ((void)(folio))
#define __folio_set_swapbacked(folio) ((void)(folio))
#define folio_mark_dirty(folio) ((void)(folio))
#define folio_mark_uptodate(folio) ((void)(folio))
#define folio_test_uptodate(folio) true
#define folio_zero_range(folio, from, size) ((void)(folio))
#define flush_dcache_folio(folio) ((void)(folio))

struct xarray { unsigned long *keys; unsigned int count; };
#define DEFINE_XARRAY(name) struct xarray name
int xa_insert(struct xarray *xa, unsigned long key, void *entry, gfp_t gfp);
void xa_erase(struct xarray *xa, unsigned long key);

#endif

/* Files of a program that retrieves what LUO kept: descriptors, shmem, and what of both can go wrong. */
#include "simulator.h"

#define MAX_FILES 1024
static struct file *files[MAX_FILES];

struct file *sim_new_file(const struct file_operations *ops, void *data)
{
	struct file *file = kzalloc_obj(*file);

	file->f_op = ops;
	file->private_data = data;
	file->count = 1;
	file->inode.i_mapping = &file->mapping;
	return file;
}

struct file *anon_inode_getfile(const char *name, const struct file_operations *ops, void *data, int flags)
{
	(void)name, (void)flags;
	return sim_new_file(ops, data);
}

void fput(struct file *file)
{
	if (--file->count)
		return;
	if (file->f_op && file->f_op->release)
		file->f_op->release(&file->inode, file);
	/*
	 * mm/truncate.c ends before the last index there is, and fs/inode.c: clear_inode() finds a page that is left. It cannot
	 * take out a large folio (include/linux/xarray.h: xas_set_order() without CONFIG_XARRAY_MULTI).
	 */
	for (u64 i = 0; i < file->mapping.nrpages; i++)
		if (file->mapping.indices[i] == ULONG_MAX || file->mapping.pages[i]->order)
			BUG();
	for (u64 i = 0; i < file->mapping.nrpages; i++)
		put_page(file->mapping.pages[i]);
	free(file->mapping.pages);
	free(file->mapping.indices);
	free(file);
}

int get_unused_fd_flags(unsigned int flags)
{
	(void)flags;
	for (int fd = 3; fd < MAX_FILES; fd++)
		if (!files[fd])
			return fd;
	return -EMFILE;
}

void put_unused_fd(int fd) { files[fd] = NULL; }
void fd_install(int fd, struct file *file) { files[fd] = file; }

struct file *fget(int fd)
{
	struct file *file = fd >= 0 && fd < MAX_FILES ? files[fd] : NULL;

	if (file)
		file->count++;
	return file;
}

struct file *sim_take_file(int fd)
{
	struct file *file = files[fd];

	files[fd] = NULL;
	return file;
}

/* fs/read_write.c */
loff_t vfs_setpos(struct file *file, loff_t offset, loff_t maxsize)
{
	if (offset < 0 || offset > maxsize)
		return -EINVAL;
	return file->f_pos = offset;
}

/* mm/memfd.c */
struct file *memfd_alloc_file(const char *name, unsigned int flags)
{
	(void)name, (void)flags;
	struct file *file = sim_new_file(NULL, NULL);
	file->inode.i_mode = 0777;
	return file;
}

#define ALL_SEALS 0x3fU
int memfd_add_seals(struct file *file, unsigned int seals)
{
	if (seals & ~ALL_SEALS)
		return -EINVAL;
	file->seals |= seals;
	return 0;
}

int memfd_get_seals(struct file *file) { return (int)file->seals; }

long memfd_pin_folios(struct file *file, loff_t start, loff_t end, struct folio **folios, unsigned int max,
		      pgoff_t *offset)
{
	(void)file, (void)start, (void)end, (void)folios, (void)max, (void)offset;
	return -EINVAL;
}

/* mm/shmem.c: the cache has a reference of its own. */
int shmem_add_to_page_cache(struct folio *folio, struct address_space *mapping, pgoff_t index, void *expected,
			    gfp_t gfp)
{
	(void)expected, (void)gfp;
	unsigned long pages = 1UL << folio_order(folio);

	/* include/linux/xarray.h: XA_STATE_ORDER() */
	index = round_down(index, pages);

	for (u64 i = 0; i < mapping->nrpages; i++) {
		unsigned long has = 1UL << mapping->pages[i]->order;

		if (index < mapping->indices[i] + has && mapping->indices[i] < index + pages)
			return -EEXIST;
	}
	mapping->pages = realloc(mapping->pages, (mapping->nrpages + 1) * sizeof(*mapping->pages));
	mapping->indices = realloc(mapping->indices, (mapping->nrpages + 1) * sizeof(*mapping->indices));
	mapping->pages[mapping->nrpages] = &folio->page;
	mapping->indices[mapping->nrpages++] = index;
	folio->page.refcount++;
	return 0;
}

int xa_insert(struct xarray *xa, unsigned long key, void *entry, gfp_t gfp)
{
	(void)entry, (void)gfp;
	for (unsigned int i = 0; i < xa->count; i++)
		if (xa->keys[i] == key)
			return -EBUSY;
	xa->keys = realloc(xa->keys, (xa->count + 1) * sizeof(*xa->keys));
	xa->keys[xa->count++] = key;
	return 0;
}

void xa_erase(struct xarray *xa, unsigned long key)
{
	for (unsigned int i = 0; i < xa->count; i++)
		if (xa->keys[i] == key)
			xa->keys[i] = xa->keys[--xa->count];
}

/* Files of debugfs: names, and why one cannot be (fs/debugfs/inode.c: debugfs_start_creating(), fs/namei.c: 7.3). */
#include "simulator.h"

struct dentry {
	struct dentry *parent, *next;
	char *name;
};

static struct dentry *all;

const char *sim_dentry_name(const void *dentry)
{
	const struct dentry *one = dentry;

	return one ? one->name : "/";
}

/* fs/namei.c: lookup_noperm_common(); fs/libfs.c: simple_lookup(), simple_start_creating(). */
static int error_of(const char *name, struct dentry *parent)
{
	size_t length = strlen(name);

	if (length == 0 || !strcmp(name, ".") || !strcmp(name, "..") || strchr(name, '/'))
		return -EACCES;
	if (length > 255)
		return -ENAMETOOLONG;
	for (struct dentry *one = all; one; one = one->next)
		if (one->parent == parent && !strcmp(one->name, name))
			return -EEXIST;
	return 0;
}

static struct dentry *create(const char *name, struct dentry *parent)
{
	int error;

	if (IS_ERR(parent))
		return parent;
	error = error_of(name, parent);
	if (error == -EEXIST)
		printk("debugfs: '%s' already exists in '%pd'\n", name, parent);
	if (error)
		return ERR_PTR(error);
	struct dentry *one = kmalloc_obj(*one);
	*one = (struct dentry){parent, all, strdup(name)};
	all = one;
	return one;
}

struct dentry *debugfs_create_dir(const char *name, struct dentry *parent) { return create(name, parent); }

struct dentry *debugfs_create_file(const char *name, umode_t mode, struct dentry *parent, void *data, const void *ops)
{
	(void)mode, (void)data, (void)ops;
	return create(name, parent);
}

struct dentry *debugfs_create_blob(const char *name, umode_t mode, struct dentry *parent,
				   struct debugfs_blob_wrapper *blob)
{
	(void)mode, (void)blob;
	return create(name, parent);
}

void debugfs_remove(struct dentry *dentry)
{
	for (struct dentry **at = &all; *at; at = &(*at)->next)
		if (*at == dentry) {
			*at = dentry->next;
			return;
		}
}

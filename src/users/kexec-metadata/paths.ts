/** Where its structures are in the paths of a spec, whatever a kernel calls the node. */
export const PATH = 'kexec-metadata';

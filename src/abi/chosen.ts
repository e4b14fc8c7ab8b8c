/** arm64: properties of `/chosen` that lead to the root FDT and the scratch array (drivers/of/kexec.c, 6.17). */
export const LINUX_KHO_FDT = 'linux,kho-fdt';
export const LINUX_KHO_SCRATCH = 'linux,kho-scratch';

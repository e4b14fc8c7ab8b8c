/** Where its structures are in the paths of a spec, whatever a kernel calls the node. */
export const PATH = 'kho_test';

export const FDT_PATH = `${PATH}/fdt`;
/** The vmalloc area that lists the folios. */
export const LIST_PATH = `${PATH}/folios_info`;
export const folioPath = (index: number) => `${PATH}/folios[${index}]`;

import { defineStruct, u32, u64 } from './layout.ts';

const HEADER = 'arch/x86/include/uapi/asm/setup_data.h (7.3)';

/** Type of the setup_data record that carries random bytes. */
export const SETUP_RNG_SEED = 9;

/** Type of the setup_data record that carries `struct kho_data`. */
export const SETUP_KEXEC_KHO = 10;

/** Header of one record of the chain that starts in boot_params.hdr.setup_data; its data follows. */
export const setup_data = defineStruct({
  name: 'setup_data',
  source: HEADER,
  packed: false,
  fields: { next: u64, type: u32, len: u32 },
});

/** x86: where the receiver finds the root FDT and the scratch array. */
export const kho_data = defineStruct({
  name: 'kho_data',
  source: HEADER,
  packed: true,
  fields: { fdt_addr: u64, fdt_size: u64, scratch_addr: u64, scratch_size: u64 },
});

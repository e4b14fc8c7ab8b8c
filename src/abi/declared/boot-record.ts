import { defineAbi } from '../entry.ts';
import { defineStruct, u32, u64 } from '../layout.ts';

const HEADER = 'arch/x86/include/uapi/asm/setup_data.h (7.3)';

/** Header of one record of the chain that starts in boot_params.hdr.setup_data; its data follows. */
const setup_data = defineStruct({
  name: 'setup_data',
  source: HEADER,
  packed: false,
  fields: { next: u64, type: u32, len: u32 },
});

/** x86: where the receiver finds the root FDT and the scratch array. */
const kho_data = defineStruct({
  name: 'kho_data',
  source: HEADER,
  packed: true,
  fields: { fdt_addr: u64, fdt_size: u64, scratch_addr: u64, scratch_size: u64 },
});

export const BOOT_RECORD_ABI = defineAbi([
  { from: '6.16', arch: 'x86_64', struct: setup_data },
  { from: '6.16', arch: 'x86_64', struct: kho_data },
  // type of the setup_data record that carries struct kho_data
  { from: '6.16', arch: 'x86_64', numbers: { SETUP_KEXEC_KHO: 10 } },
  {
    // arm64: properties of /chosen that lead to the root FDT and the scratch array (drivers/of/kexec.c, 6.17)
    from: '6.16',
    arch: 'arm64',
    strings: {
      'chosen:linux,kho-fdt': 'linux,kho-fdt',
      'chosen:linux,kho-scratch': 'linux,kho-scratch',
    },
  },
]);

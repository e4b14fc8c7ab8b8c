import { compileCodec } from '../../../src/abi/codec.ts';
import { declaredLayout, defineStruct, u16, u32 } from '../../../src/abi/layout.ts';
import type { Target } from '../../../src/abi/target.ts';

/** The FLB of the PCI core as it was posted for review (include/linux/kho/abi/pci.h, v9). No release has it. */
export const PCI_LUO_FLB_COMPATIBLE = 'pci-v2';

const source = 'include/linux/kho/abi/pci.h (v9)';

/** `nr_devices` of pci_dev_ser follow it, with room for `max_nr_devices`. */
export const pci_ser = defineStruct({
  name: 'pci_ser',
  source,
  packed: true,
  fields: { max_nr_devices: u32, nr_devices: u32 },
});

export const pci_dev_ser = defineStruct({
  name: 'pci_dev_ser',
  source,
  packed: true,
  fields: { domain: u32, bdf: u16, refcount: u16 },
});

export interface PciDevSer {
  readonly domain: number;
  readonly bdf: number;
  readonly refcount: number;
}

export const codecs = (target: Target) => ({
  head: compileCodec(declaredLayout(pci_ser, target), target.endian, { max_nr_devices: 0, nr_devices: 0 }),
  device: compileCodec<PciDevSer>(declaredLayout(pci_dev_ser, target), target.endian, {
    domain: 0,
    bdf: 0,
    refcount: 0,
  }),
});

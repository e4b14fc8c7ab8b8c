import { type Checks, error, reporter } from '../../../src/kernel/check.ts';
import { defineHandler } from '../../../src/users/handler.ts';
import { none } from '../../../src/users/user.ts';
import { codecs, PCI_LUO_FLB_COMPATIBLE, pci_ser } from './abi.ts';
import { emit, read, schema } from './pci.ts';

const checks = {
  'pci-devices': error('kernel', 'more PCI devices than there is room for'),
} as const satisfies Checks;
const report = reporter(checks);

/** Which PCI devices stay as they are over a live update. */
export const pci = defineHandler({
  key: 'pci',
  schema,
  compatible: ({ abi }) => (abi.has('luo_ser') ? PCI_LUO_FLB_COMPATIBLE : undefined),
  struct: (target) => ({ name: pci_ser.name, size: codecs(target).head.size }),
  emit,
  reader: (image) => (data, problems) => read(image, data, problems),
  *retrieve(kernel, { where, data }) {
    const { head } = codecs(kernel.target);
    const { max_nr_devices, nr_devices } = head.decode(kernel.read(data, head.size));
    if (nr_devices <= max_nr_devices) return;
    const text = `${nr_devices} devices, there is room for ${max_nr_devices}`;
    yield report('pci-devices', { where, text, conditional: true });
  },
  checks,
  console: none('a fixture: what it prints is not known'),
  abi: {
    name: 'PCI',
    headers: [],
    units: [],
    governed: [{ items: /^(pci_|PCI_)/, versions: ['PCI_LUO_FLB_COMPATIBLE'] }],
  },
});

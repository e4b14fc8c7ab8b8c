import { describe, expect, it, vi } from 'vitest';
import { declaredLayout } from '../../../src/abi/layout.ts';
import { buildParsed } from '../../../src/produce/build-image.ts';
import { diffProfiles } from '../../../src/profile/diff.ts';
import { profileTree } from '../../../src/profile/tree.ts';
import { inspect } from '../../../src/receive/decode.ts';
import { verifyImage } from '../../../src/receive/verify.ts';
import { specDifferences, specOf } from '../../../src/respec/as-spec.ts';
import { loadSpec } from '../../../src/specfile/load.ts';
import { parseSpec } from '../../../src/specfile/parse.ts';
import { VERIFY_CHECKS } from '../../../src/users/registry.ts';
import { FakeTree } from '../../profile/fake-tree.ts';
import { pci_dev_ser } from './abi.ts';

// All that a new FLB takes beside its folder: a line among the handlers of LUO.
vi.mock('../../../src/users/luo/handlers.ts', async (original) => {
  const { pci } = await import('./index.ts');
  return { ...(await original<object>()), FLBS: { pci } };
});

const SPEC = new URL('./pci.yaml', import.meta.url).pathname;
const STATE = 'LUO/flbs[0]/pci';
const { spec } = loadSpec(SPEC);
const image = buildParsed(spec, {});
const device = (bus: number, dev: number) => (bus << 8) | (dev << 3);
const FIELDS = {
  max_nr_devices: 4,
  nr_devices: 2,
  devices: [
    { domain: 0, bdf: device(0x3b, 0), refcount: 1 },
    { domain: 1, bdf: device(0x5e, 2), refcount: 2 },
  ],
};

describe('an FLB that is one folder and one line', () => {
  it('is emitted byte by byte as its header has it', () => {
    const at = image.placements.find(({ path }) => path === STATE);
    const bytes = image.memory.read(at?.start ?? 0n, 8 + 4 * 8);
    expect(Buffer.from(bytes).toString('hex')).toBe(
      ['04000000', '02000000', '00000000', '003b', '0100', '01000000', '105e', '0200', '00'.repeat(16)].join(
        '',
      ),
    );
    expect(image.paths).toEqual(
      expect.arrayContaining([`${STATE}/nr_devices`, `${STATE}/devices[1]/bdf`, 'LUO/flbs[0]/name']),
    );
  });

  it('is read back, and refused by the names of its keys', () => {
    const { subtrees, problems } = inspect(image);
    expect(problems).toEqual([]);
    const at = image.placements.find(({ path }) => path === STATE)?.start;
    expect(subtrees[0]?.decoded?.fields.flbs).toEqual([{ name: 'pci-v2', data: at, count: 2n, pci: FIELDS }]);
    const luo = { flbs: [{ pci: { devices: [{ bfd: 1 }] } }] };
    expect(() => parseSpec(JSON.parse(JSON.stringify({ subtrees: [{ luo }] })))).toThrowError(
      /subtrees\[0\]\.luo\.flbs\[0\]\.pci\.devices\[0\]\.bfd: no such key/,
    );
  });

  it('has its checks among those of verify', () => {
    expect(verifyImage(image)).toMatchObject({ verdict: 'revived', findings: [] });
    const wrong = buildParsed({ ...spec, override: { [`${STATE}/nr_devices`]: 9n } }, {});
    expect(verifyImage(wrong).findings).toMatchObject([
      {
        check: 'pci-devices',
        severity: 'error',
        where: 'LUO/flbs[0]',
        text: '9 devices, there is room for 4',
      },
    ]);
    expect(VERIFY_CHECKS['pci-devices']?.by).toBe('kernel');
    const lost = buildParsed({ ...spec, unpreserve: [STATE] }, {});
    expect(verifyImage(lost).findings.map(({ check }) => check)).toContain('luo-not-preserved');
  });

  it('goes back to the spec that it was made of', () => {
    const inspection = inspect(image);
    const back = specOf(image, inspection);
    expect(specDifferences(back, image, inspection)).toEqual([]);
    const flb = { pci: { max_devices: 4, devices: FIELDS.devices }, count: 2n };
    expect(back.subtrees).toMatchObject([{ luo: { flbs: [flb] } }]);
    expect(back.place).toHaveProperty([STATE]);
  });

  it('is governed by its own version in a tree that has its header', () => {
    const header = (version: number, more: string) => `
      #include <linux/types.h>
      #define PCI_LUO_FLB_COMPATIBLE "pci-v${version}"
      struct pci_dev_ser { u32 domain; u16 bdf; u16 refcount; ${more} } __packed;
      struct pci_ser { u32 max_nr_devices; u32 nr_devices; struct pci_dev_ser devices[]; } __packed;
    `;
    const measure = (version: number, more: string) => {
      const tree = new FakeTree({ 'include/linux/kho/abi/pci.h': header(version, more) });
      try {
        return profileTree({ arch: 'x86_64', pageSize: 4096, tree: tree.folder });
      } finally {
        tree.remove();
      }
    };
    const [posted, grown, bumped] = [measure(2, ''), measure(2, 'u32 flags;'), measure(3, 'u32 flags;')];
    const layout = declaredLayout(pci_dev_ser, { arch: 'x86_64', pageSize: 4096, pageShift: 12 });
    for (const { name, offset, size } of layout.fields) {
      expect(posted.items.find((item) => item.name === `pci_dev_ser.${name}`)).toMatchObject({
        offset,
        size,
      });
    }
    const changes = (to: typeof posted) =>
      diffProfiles(posted, to).filter(({ item }) => item === 'pci_dev_ser');
    expect(changes(grown)).toMatchObject([{ subsystem: 'PCI', severity: 'error' }]);
    expect(changes(bumped)).toMatchObject([
      { subsystem: 'PCI', severity: 'bumped', governedBy: 'PCI_LUO_FLB_COMPATIBLE' },
    ]);
  });
});

/** The public API: make a handover, write it, read it back, boot it. */
export {
  type BackgroundCaptureOptions,
  type BackgroundVerifyOptions,
  buildInBackground,
  captureInBackground,
  inspectInBackground,
  verifyInBackground,
} from './background/background.ts';
export type { BackgroundProgress, SourceOptions, Stage } from './background/job.ts';
export type { BackgroundOptions } from './background/run.ts';
export { type BootOptions, type BootResult, bootImage } from './boot/boot-image.ts';
export { ExitCode, KhoforgeError, type Where } from './errors.ts';
export { type BuildOptions, type BuiltImage, buildImage } from './handover/build-image.ts';
export { CHECKS, type Check } from './handover/checks.ts';
export { readImageDirectory, writeImageDirectory } from './image/directory.ts';
export type { BootRecord, Expectations, Image, Placement, Verdict } from './image/image.ts';
export { type OpenOptions, openSource } from './image/open.ts';
export { writeElfCore } from './image/write-core.ts';
export { writeRawExtents } from './image/write-raw.ts';
export { writeKexecDirectory } from './kexec/kexec-file.ts';
export { type KexecLoad, type LoadSegment, planKexecLoad } from './kexec/kexec-load.ts';
export { type KselftestOptions, type KselftestResult, runKselftest } from './kselftest/run.ts';
export {
  type BlockNumbers,
  openRadixTree,
  type RadixReader,
  type WindowOptions,
} from './memory/radix-reader.ts';
export { readProfile } from './profile/file.ts';
export type { Profile } from './profile/item.ts';
export { type ProfileTarget, targetOf } from './profile/target.ts';
export { type ProfileTreeOptions, profileTree } from './profile/tree.ts';
export { type Inspection, inspect } from './receiver/decode.ts';
export { diffImages } from './receiver/diff.ts';
export { extractHandover } from './receiver/extract.ts';
export { VERIFY_CHECKS, type VerifyCheck } from './receiver/verify/checks.ts';
export type { Finding, Severity, Verification } from './receiver/verify/finding.ts';
export { RECEIVERS } from './receiver/verify/receivers.ts';
export { severities } from './receiver/verify/severity.ts';
export { type VerifyOptions, verifyImage } from './receiver/verify/verify.ts';
export { specOf, specYaml } from './report/as-spec.ts';
export { type LoadedSpec, loadSpec } from './spec/load.ts';
export type { Spec } from './spec/schema.ts';

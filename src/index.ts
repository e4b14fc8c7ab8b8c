export { type Profile, readProfile } from './abi/profile.ts';
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
export { ExitCode, KhoforgeError, type Where } from './base/errors.ts';
export { type BootOptions, type BootResult, bootImage } from './boot/boot-image.ts';
export { extractHandover } from './capture/extract.ts';
export { CHECKS, type Check } from './emit/checks.ts';
export { type Produced, type ProduceOptions, produceHandover } from './first-kernel/produce.ts';
export { readImageDirectory, writeImageDirectory } from './formats/directory.ts';
export { writeElfCore } from './formats/write-core.ts';
export { writeRawExtents } from './formats/write-raw.ts';
export type { VerifyCheck } from './kernel/check.ts';
export type { VerifyEvent } from './kernel/events.ts';
export { RECEIVERS } from './kernel/receivers.ts';
export { type KselftestOptions, type KselftestResult, runKselftest } from './kselftest/run.ts';
export { runTwoStages, type TwoStageOptions, type TwoStageResult } from './kselftest/two-stages.ts';
export { writeKexecDirectory } from './load/kexec-file.ts';
export { type KexecLoad, type LoadSegment, planKexecLoad } from './load/kexec-load.ts';
export {
  type BlockNumbers,
  openRadixTree,
  type RadixReader,
  type WindowOptions,
} from './memory/radix-reader.ts';
export type { Finding, Severity, Verification } from './model/finding.ts';
export type { BootRecord, Expectations, Image, Placement, Verdict } from './model/image.ts';
export type { BuiltImage } from './produce/assembly.ts';
export { type BuildOptions, buildImage } from './produce/build-image.ts';
export { type ProfileTarget, targetOf } from './profile/target.ts';
export { type ProfileTreeOptions, profileTree } from './profile/tree.ts';
export { type Inspection, inspect } from './receive/decode.ts';
export { diffImages } from './receive/diff.ts';
export { type Digest, type DigestReport, digestImage } from './receive/digest.ts';
export { severityOverrides } from './receive/severity.ts';
export { verificationOf } from './receive/verification.ts';
export { type ReceiverOptions, type VerifyOptions, verifyEvents, verifyImage } from './receive/verify.ts';
export { specOf, specYaml } from './respec/as-spec.ts';
export { openSource } from './source/open.ts';
export type { OpenOptions } from './source/opened.ts';
export { type LoadedSpec, loadSpec } from './specfile/load.ts';
export type { Spec } from './specfile/schema.ts';
export { VERIFY_CHECKS } from './users/registry.ts';

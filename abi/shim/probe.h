/*
 * How an item is asked for: each makes one constant object, and the compiler's assembly shows its bytes.
 * Nothing is executed, so any architecture can be asked for (compare include/linux/kbuild.h).
 */
typedef unsigned long long kf_u64;

#define KF_STRUCT(id, type) const kf_u64 kf_##id[] = { sizeof(type), _Alignof(type) };
#define KF_FIELD(id, type, member) \
	const kf_u64 kf_##id[] = { __builtin_offsetof(type, member), sizeof(((type *)0)->member) };
/* All bits of the field set: where they are is where the field is. */
#define KF_BITS(id, type, member) const type kf_##id = { .member = -1 };
#define KF_NUMBER(id, expression) const kf_u64 kf_##id[] = { (kf_u64)(expression) };
#define KF_STRING(id, expression) const char kf_##id[] = expression;
#define KF_SIZE(id, type) const kf_u64 kf_##id[] = { sizeof(type) };

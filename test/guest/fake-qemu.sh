#!/bin/sh
# Stands in for QEMU: prints a canned console and then does what MODE says.
# Usage: fake-qemu.sh MODE CONSOLE-FILE [QEMU ARGUMENTS...]
mode=$1
console=$2
shift 2
case $mode in
exit) cat "$console" ;;
busy) cat "$console" && while :; do :; done ;; # a guest that goes round and round
hang) cat "$console" && exec sleep 3600 ;;
family) # a child that has to die with us
	sleep 3600 &
	echo "child $!"
	wait ;;
fail)
	cat "$console"
	echo "qemu-system-x86_64: -m banana: Parameter 'size' expects a non-negative number" >&2
	exit 1 ;;
crash) cat "$console" && kill -ABRT $$ ;;
nonblocking) # as QEMU writes a serial console, but that it fails where QEMU drops characters
	exec dd if="$console" bs=16 oflag=nonblock status=none ;;
flood) exec yes 'printk: the same line for ever' ;;
arguments) for word in "$@"; do echo "<$word>"; done ;;
kvm-hang) # silent under KVM, like a host whose /dev/kvm opens and does not work
	case " $* " in
	*" -accel kvm "*) exec sleep 3600 ;;
	*) cat "$console" ;;
	esac ;;
kvm-half) # the same, but the kernel's decompressor ran
	case " $* " in
	*" -accel kvm "*) echo 'Physical KASLR disabled: no suitable memory region!' && exec sleep 3600 ;;
	*) cat "$console" ;;
	esac ;;
kvm-fail)
	case " $* " in
	*" -accel kvm "*) echo "Could not access KVM kernel module" >&2 && exit 1 ;;
	*) cat "$console" ;;
	esac ;;
esac

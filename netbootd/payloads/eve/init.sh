#!/bin/sh
# netbootd's own /init for EVE-OS installers of eras B1, B1x and B2 (13.4 to 17.3).
#
# It runs in the initrd of EVE's ISO, with the busybox there, and takes the place of the /init of that release for this
# one boot.  It mounts the installer's image as the root, shows it the files that netbootd brought, and hands over to
# the installer's /sbin/init.  Nothing of the image is changed: a file is laid over another by a bind mount.
#
# On the kernel's command line, as in the releases after 17.3:
#   root=/IMAGE                the installer's image in this initrd: a squashfs, or the ISO itself
#   rootaddmount=/FILE:/PLACE  a file of this initrd, and the file of the installer it is laid over; any number of them

set -f # words of the command line are words, whatever * and ? are in them

give_up() {
    echo "netbootd: EVE's installer cannot be started: $*"
    echo "netbootd: nothing was installed; this is a shell in the initrd"
    exec sh
}

# What is in the initrd itself is deleted when the root is switched, and cannot be mounted anew after that.  So the
# file is moved to a file system of its own first.
lay_over() {
    [ -f "$1" ] || give_up "there is no $1 in what netbootd sent"
    [ -f "/netbootd/root$2" ] || give_up "its image has no $2 that $1 could be laid over"
    mounts=$((mounts + 1))
    mv "$1" "/netbootd/files/$mounts" || give_up "no memory for $1"
    mount -o bind "/netbootd/files/$mounts" "/netbootd/root$2" || give_up "$1 cannot be laid over its $2"
}

mkdir -p /proc /sys /dev /netbootd/root /netbootd/files
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs files /netbootd/files
line=$(cat /proc/cmdline)

case " $line " in *" debug "* | *" eve_install_debug"*) set -x ;; esac

# EVE's kernel has all of these built in; one that has them as modules brings them along.
[ ! -d /lib/modules ] || modprobe -a loop squashfs isofs vfat nls_cp437 nls_ascii nls_utf8

image=
for word in $line; do
    case $word in root=*) image=${word#root=} ;; esac
done
[ -f "$image" ] || give_up "there is no root=$image in what netbootd sent"
mount -o ro,loop "$image" /netbootd/root || give_up "$image cannot be mounted"

mounts=0
for word in $line; do
    case $word in
        rootaddmount=*)
            pair=${word#rootaddmount=}
            lay_over "${pair%%:*}" "${pair#*:}"
            ;;
    esac
done

exec switch_root /netbootd/root /sbin/init

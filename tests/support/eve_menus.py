"""GRUB menus of our own, built the way EVE's installer builds its kernel's arguments.

The same constructs stand in them: a function that sets and exports, a command taken from a variable, functions called
by a name made from two variables, an included file with its own context, boards told apart by SMBIOS.  The values are
those of EVE's documentation and of `eve-proved`, the text is not EVE's.
"""

from __future__ import annotations

from netbootd.payloads.eve.bundle import Era

CMDLINE = "rootdelay=3 linuxkit.unified_cgroup_hierarchy=0"

MENU = r"""
# the common part
set timeout=5
set default=0
set wait="panic=120"
set where=

function publish {
   set $1="$2"
   export $1
}

function given {
   if [ -n "$2" ]; then
      "$@"
   fi
}

function publish_file {
  if [ -f "$2" ]; then
     publish "$1" "$2"
  fi
}

function find_where {
   if [ "$arch" == "riscv64"]; then
     publish where virtual
   else
      smbios -t 1 -s 0 --set maker
      if [ "$maker" == QEMU ]; then
         publish where virtual
      elif [ "$maker" == Google ]; then
         publish where virtual
      else
         publish where metal
      fi
   fi
}

function find_root {
   if [ -z "$rootfs_root" ]; then
      probe -s kind --fs $root # not for what comes by network
      if [ "$kind" != "netfs" ]; then
         probe --set part --part-uuid $root
         publish rootfs_root "PARTUUID=$part"
      fi
   fi
}

function find_overrides {
  set self="$cmddevice"
  if [ -z "$self" ]; then
     set self="$root"
  fi
  regexp --set drive "^([^,]*,)gpt" "$self"
  if [ -n "$drive" ]; then
     search.part_label CONFIG part "$drive"
     publish_file own_cfg "($part)/grub.cfg"
  fi
}

function common {
   publish cpus "dom0_max_vcpus=1 dom0_vcpus_pin"
   if [ "$flavor" = "k" ]; then
      publish mem "dom0_mem=6400M,max:8000M"
   else
      publish mem "dom0_mem=640M,max:800M"
   fi
   publish dom0 /boot/kernel
   publish rootfs "root=$rootfs_root"
   publish lines "$linuxkit_cmdline $wait rfkill.default_state=0"
}

function set_x86_64_metal {
   common
   publish tweaks " "
   publish console "console=tty0"
   smbios -t 1 -s 0 --set maker
   if [ "$maker" = "HPE" ]; then
      smbios -t 1 -s 5 --set product
      if [ "$product" = "ProLiant DL360 Gen10" -o "$product" = "ProLiant m750 Server Blade" ]; then
         publish tweaks "$tweaks cmos-rtc-probe=1"
      fi
      if regexp -- "m750" "$product"; then
         publish tweaks "$tweaks pci=realloc=off"
      fi
   fi
   publish ucode /boot/ucode.img
}

function set_x86_64_virtual {
   common
   publish tweaks "clocksource=tsc clocksource_failover=xen"
   publish console "console=ttyS0 console=hvc0"
}

function set_arm64_metal {
   common
   publish tweaks " "
   publish console "console=tty0 console=ttyS0,115200 console=hvc0"
   smbios -t 1 -s 0 --set maker
   if [ "$maker" = "Huawei" ]; then
      smbios -t 1 -s 5 --set product
      # there are unprintable characters behind it
      if regexp -- "XR320" "$product"; then
         publish console "console=ttyAMA0,115200n8"
         publish tweaks "pcie_aspm=off pci=pcie_bus_perf"
      fi
   fi
   smbios -t 1 -s 5 --set product
   if [ "$product" = "Edge NX" ]; then
      publish tweaks "fbcon=map:0 eve_install_disk=nvme0n1"
      smbios -t 3 -s 8 --set tag
      if regexp -- "12-.?34-.*" "$tag"; then
         publish tweaks "fbcon=map:0 eve_nuke_disks=mmcblk0 eve_install_disk=nvme0n1"
      fi
   fi
}

function set_kvm_boot {
   publish load_hv true
   publish load_kernel linux
   publish load_initrd initrd
   publish flavored "pcie_acs_override=downstream,multifunction"
   if [ "$arch" = "x86_64" ]; then
      publish flavored "$flavored crashkernel=2G-16G:128M,16G-128G:256M,128G-:512M"
   fi
   publish flavor kvm
}

function find_flavor {
   if [ "$flavor" = "" ] ; then
       cat -s flavor ($root)/etc/eve-hv-type
   fi
}

function from_firmware {
    insmod efi
    unset more
    if getenv -e extra-cmdline -g 7AD58F29-0000 more; then
        publish extra "$extra $more"
    fi
}

set arch=${grub_cpu}
if [ "$arch" = "i386" ]; then
   arch=x86_64
fi

set included="($root)/EFI/BOOT/grub_include.cfg"
if [ -f ${included} ]; then
   echo "Including ${included}"
   configfile ${included}
fi
if [ -f ($root)/boot/cmdline ]; then
   cat -s linuxkit_cmdline ($root)/boot/cmdline
fi

find_where
find_root
find_flavor
set_${arch}_${where}
find_overrides
publish_file own_hv "/EFI/BOOT/grub-hv.cfg"
set_${flavor}_boot
given source $own_hv
given source $config_grub_cfg
from_firmware

menuentry "Boot ${title}${suffix}" {
     $load_hv $hv $hv_console
     $load_kernel $dom0 $console $rootfs $mem $cpus $tweaks $flavored $lines $extra
     given $load_tree $tree
     given $load_initrd $ucode
     given $load_initrd $initrd
}

submenu 'Set Boot Options' {
   menuentry 'more' {
      publish extra "$extra debug"
   }
   if [ -n "$submenus" ]; then
      $submenus
   fi
}
"""

_INCLUDE = r"""
function installer_submenus {
   menuentry 'do NOT install' {
      publish lines "$lines eve_blackbox"
   }
}

install_part="$cmddevice"
cat -s uid "($install_part)/boot/.uuid"
publish suffix "-installer"
publish submenus "installer_submenus"
publish extra "getty rootwait"
publish flavor kvm

probe --set label --label $root
if [ "$label" = "EVEISO" ]; then
   if [ "$isnetboot" = "true" ]; then
NETWORK
   else
      publish initrd "/boot/initrd.img"
      publish rootfs_root "LABEL=$label"
   fi
fi
"""

_B2 = "root=/installer.iso rootimg=/rootfs_installer.img rootaddmount=/config.img:/config.img".removeprefix("root=")
_WHOLE = 'publish initrd "/boot/initrd.img newc:/installer.iso:($install_part)/installer.iso"'
_NETWORK = {
    Era.B1: f'{_WHOLE}\npublish rootfs_root "/installer.iso"',
    Era.B1X: f'{_WHOLE}\npublish rootfs_root "/installer.iso"',
    Era.B2: f'{_WHOLE}\npublish rootfs_root "{_B2}"',
    Era.B3: """set more=""
set mount=""
if [ -f "($root)/config.img" ]; then
   set more="newc:/config.img:($root)/config.img"
   set mount="rootaddmount=/config.img:/config.img"
fi
publish initrd "/boot/initrd.img newc:/rootfs_installer.img:($root)/rootfs_installer.img $more"
publish rootfs_root "/rootfs_installer.img $mount"
""",
}


def include(era: Era) -> str:
    """The installer's part of the menu, as that era has it."""
    return _INCLUDE.replace("NETWORK", _NETWORK[era])

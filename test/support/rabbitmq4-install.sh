#!/bin/bash
# Unpacks Debian 13's RabbitMQ 4 into a folder, in which it runs beside this machine's own libraries by chroot.
#   rabbitmq4-install.sh FOLDER    as root; once: about 60 MB. Nothing of this machine's own apt is touched.
set -euo pipefail
folder=$1
mkdir -p "$(dirname "$folder")"
exec 9>"$folder.lock"
flock 9
[ ! -e "$folder" ] || exit 0
work=$(mktemp -d "$folder.new-XXXXXX")
trap 'rm -rf "$work"' EXIT
apt=$work/apt root=$work/root
mkdir -p "$apt/etc/apt/preferences.d" "$apt"/var/lib/{apt/lists/partial,dpkg} "$apt/var/cache/apt/archives/partial" "$root"
: >"$apt/var/lib/dpkg/status"

mirror=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -1 | tr -d ' ' || true)
[ -n "$mirror" ] || { echo "the sources of apt on this machine name no mirror of Debian" >&2; exit 1; }
keys=$(printf '%s,' /usr/share/keyrings/debian-archive-*.gpg)
echo "deb [signed-by=${keys%,}] $mirror trixie main" >"$apt/etc/apt/sources.list"
cat >"$apt/apt.conf" <<END
Dir::Etc "$apt/etc/apt";
Dir::Etc::parts "/etc/apt/apt.conf.d";
Dir::State "$apt/var/lib/apt";
Dir::State::status "$apt/var/lib/dpkg/status";
Dir::Cache "$apt/var/cache/apt";
APT::Sandbox::User "root";
END
export APT_CONFIG=$apt/apt.conf DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq -y --no-install-recommends --download-only install \
    rabbitmq-server base-files coreutils bash gawk sed grep hostname util-linux

# base-files first: it makes /bin and /lib links to what the others unpack.
archives=$apt/var/cache/apt/archives
for package in "$archives"/base-files_*.deb "$archives"/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$root" --keep-directory-symlink
done
mkdir -p "$root"/{proc,dev,tmp,data}
ln -sf bash "$root/usr/bin/sh"
ln -sf gawk "$root/usr/bin/awk"
echo localhost >"$root/etc/hostname"
echo '127.0.0.1 localhost' >"$root/etc/hosts"
echo 'root:x:0:0:root:/root:/usr/bin/sh' >"$root/etc/passwd"
printf '#!/usr/bin/sh\necho localhost\n' >"$root/usr/bin/hostname"
chmod 755 "$root/usr/bin/hostname" "$work"
mv "$root" "$folder"

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The hyperkube authors
# SPDX-License-Identifier: Apache-2.0
#
# Stands in for "hyperkube install" below its systemd unit: asks for what an install needs of the host, one after the
# other, and for what it must not get, and writes down which it got. Ends with the code in CODE.
exec >>/var/lib/hyperkube/log 2>&1
echo "called: $*"
ask() {
    what=$1
    shift
    if "$@" >/dev/null 2>&1; then echo "yes: $what"; else echo "no: $what"; fi
}
staged=/opt/bin/.hyperkube-stage-kubelet
ask 'stage in the destination' cp -T /bin/true $staged
ask 'set mode and owner' sh -c "chmod 755 $staged && chown 0:0 $staged"
ask 'run the staged file' $staged --version
ask 'keep the old file' ln -T /opt/bin/kubelet /opt/bin/.hyperkube-prev-kubelet
ask 'keep a file of another user' ln -T /opt/bin/kubectl /opt/bin/.hyperkube-prev-kubectl
ask 'see what the running kubelet was started from' readlink "/proc/$(systemctl show -P MainPID kubelet.service)/exe"
ask 'read a login of root' cat /root/.docker/config.json
ask 'resolve a name' getent hosts localhost
ask 'restart the kubelet' systemctl restart kubelet.service
ask 'ask whether it is active' systemctl is-active kubelet.service
ask 'write to /etc' touch /etc/.hyperkube-test
ask 'write to /usr/local/bin' touch /usr/local/bin/.hyperkube-test
ask 'write to the home of root' touch /root/.hyperkube-test
ask 'write to another state directory' touch /var/lib/.hyperkube-test
ask 'make a file immutable' chattr +i $staged
ask 'make a namespace' unshare --net true
ask 'mount' mount -t tmpfs tmpfs /mnt
ask 'see a disk' test -b /dev/vda
exit "${CODE:-0}"

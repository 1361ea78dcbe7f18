"""The catalogue: every micro-step by the name that plans, people and files know it by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kadeploy.ports.step import Step
from kadeploy.steps.await_boot import AwaitBoot
from kadeploy.steps.check_boot_partition import CheckBootPartition
from kadeploy.steps.check_kernel_files import CheckKernelFiles
from kadeploy.steps.check_nodes import CheckNodes
from kadeploy.steps.configure_system import ConfigureSystem
from kadeploy.steps.create_partition_table import CreatePartitionTable
from kadeploy.steps.custom_exec import CustomExec
from kadeploy.steps.custom_run import CustomRun
from kadeploy.steps.custom_send import CustomSend
from kadeploy.steps.decompress_environment import DecompressEnvironment
from kadeploy.steps.dummy import Dummy
from kadeploy.steps.fetch_files import FetchFiles
from kadeploy.steps.format import Format
from kadeploy.steps.install_bootloader import InstallBootloader
from kadeploy.steps.kexec import Kexec
from kadeploy.steps.load_drivers import LoadDrivers
from kadeploy.steps.mount import Mount, Unmount
from kadeploy.steps.produce_bad_nodes import ProduceBadNodes
from kadeploy.steps.reboot import Reboot
from kadeploy.steps.reboot_from_deploy_env import RebootFromDeployEnv
from kadeploy.steps.renew_tree import RenewTree
from kadeploy.steps.run_archives import RunArchives
from kadeploy.steps.send_deployment_kernel import SendDeploymentKernel
from kadeploy.steps.send_image import SendImage
from kadeploy.steps.send_key import SendKey
from kadeploy.steps.set_power import SetPower
from kadeploy.steps.set_vlan import SetVlan
from kadeploy.steps.switch_boot import SwitchBoot
from kadeploy.steps.sync import Sync

CATALOGUE: Final[Mapping[str, type[Step]]] = {
    "fetch_files": FetchFiles,
    "switch_pxe": SwitchBoot,
    "set_vlan": SetVlan,
    "reboot": Reboot,
    "wait_reboot": AwaitBoot,
    "send_deployment_kernel": SendDeploymentKernel,
    "check_nodes": CheckNodes,
    "load_drivers": LoadDrivers,
    "send_key_in_deploy_env": SendKey,
    "manage_admin_pre_install": RunArchives,
    "create_partition_table": CreatePartitionTable,
    "format_deploy_part": Format,
    "format_tmp_part": Format,
    "format_swap_part": Format,
    "mount_deploy_part": Mount,
    "mount_tmp_part": Mount,
    "umount_deploy_part": Unmount,
    "renew_deploy_part": RenewTree,
    "send_environment": SendImage,
    "decompress_environment": DecompressEnvironment,
    "manage_admin_post_install": RunArchives,
    "manage_user_post_install": RunArchives,
    "configure_system": ConfigureSystem,
    "check_kernel_files": CheckKernelFiles,
    "send_key": SendKey,
    "install_bootloader": InstallBootloader,
    "check_boot_partition": CheckBootPartition,
    "sync": Sync,
    "kexec": Kexec,
    "reboot_from_deploy_env": RebootFromDeployEnv,
    "power": SetPower,
    "custom_exec": CustomExec,
    "custom_run": CustomRun,
    "custom_send": CustomSend,
    "dummy": Dummy,
    "produce_bad_nodes": ProduceBadNodes,
}

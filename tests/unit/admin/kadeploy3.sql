-- MySQL dump 10.13  Distrib 5.5.47, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: deploy3
/*!40101 SET NAMES utf8 */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;

DROP TABLE IF EXISTS `environments`;
CREATE TABLE `environments` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `name` varchar(255) NOT NULL,
  `version` int(10) unsigned NOT NULL,
  `description` text,
  `author` varchar(56) NOT NULL DEFAULT '',
  `tarball` varchar(512) NOT NULL,
  `preinstall` varchar(255) DEFAULT NULL,
  `postinstall` varchar(255) DEFAULT NULL,
  `hypervisor` varchar(255) DEFAULT NULL,
  `hypervisor_params` varchar(255) DEFAULT NULL,
  `initrd` varchar(255) DEFAULT NULL,
  `kernel` varchar(255) DEFAULT NULL,
  `kernel_params` varchar(255) DEFAULT NULL,
  `fdisk_type` varchar(2) DEFAULT NULL,
  `filesystem` varchar(9) DEFAULT NULL,
  `user` varchar(255) DEFAULT 'nobody',
  `allowed_users` varchar(512) DEFAULT NULL,
  `environment_kind` varchar(10) NOT NULL,
  `visibility` varchar(8) NOT NULL,
  `demolishing_env` int(10) unsigned NOT NULL,
  `multipart` tinyint(1) NOT NULL,
  `options` text,
  PRIMARY KEY (`id`)
) ENGINE=MyISAM AUTO_INCREMENT=7 DEFAULT CHARSET=utf8;
LOCK TABLES `environments` WRITE;
/*!40000 ALTER TABLE `environments` DISABLE KEYS */;
INSERT INTO `environments` VALUES (1,'jessie-x64-big',2,'Debian 8; it\'s \"big\"\nwith NFS','support@example.org','server:///srv/images/jessie-x64-big.tgz|tgz|0123456789abcdef0123456789abcdef',NULL,'server:///srv/post/g5k.tgz|tgz|ffffffffffffffffffffffffffffffff|traitement.ash /rambin a,b,http://files.example.org/k.tbz2|tbz2|\"5d-x1\"|none',NULL,NULL,'/initrd.img','/vmlinuz','console=tty0','83','ext4','deploy',NULL,'linux','public',0,0,NULL),(2,'xen café',1,'','',_binary 'http://files.example.org/xen.txz|txz|\"abc-123\"','server:///srv/pre.tgz|tgz|eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee|pre.sh',NULL,'/hypervisor','dom0_mem=1000000','/initrd','/vmlinuz','','83','ext3','carol',NULL,'xen','shared',1,0,'');
INSERT INTO `environments` (`id`,`name`,`version`,`tarball`,`user`,`environment_kind`,`visibility`,`demolishing_env`,`multipart`,`options`) VALUES (3,'multi',1,'server:///srv/multi.fsa|fsa3|11111111111111111111111111111111','carol','linux','private',0,1,'---\npartitions:\n- id: 0\n  device: sda2\n- id: 1\n  device: sda3\nblock_device: sda\npartition: 2\n'),(4,0x77686F6C65,1,'server:///srv/whole.gz|ddgz|','dave','other','private','true',FALSE,NULL);
UNLOCK TABLES;

CREATE TABLE `rights` (
  `user` varchar(30) NOT NULL,
  `node` varchar(255) NOT NULL,
  `part` varchar(50) NOT NULL
) ENGINE=MyISAM DEFAULT CHARSET=utf8;
INSERT INTO `rights` VALUES ('root','*','*'),('carol','node-1','/dev/vda3'),('carol','node-1','/dev/vda3');
INSERT INTO `rights` VALUES ('dave.b@example.org','far-9','*');

CREATE TABLE `nodes` (
  `hostname` varchar(255) NOT NULL,
  `state` varchar(16) DEFAULT NULL,
  `env_id` int(11) DEFAULT '-1',
  `date` int(11) DEFAULT NULL,
  `user` varchar(16) DEFAULT NULL,
  PRIMARY KEY (`hostname`)
);
INSERT INTO `nodes` VALUES ('node-1','deployed',1,1460000000,'carol'),('node-2','deploying',-1,1460000001,'dave'),('far-9','deployed',2,1,'x');

CREATE TABLE `log` (
  `wid` varchar(41) NOT NULL, `hostname` varchar(255) NOT NULL,
  `step1` varchar(255) NOT NULL DEFAULT '', `step2` varchar(255) NOT NULL DEFAULT '', `step3` varchar(255) NOT NULL DEFAULT '',
  `timeout_step1` int(10) unsigned DEFAULT NULL, `timeout_step2` int(10) unsigned DEFAULT NULL, `timeout_step3` int(10) unsigned DEFAULT NULL,
  `retry_step1` int(10) unsigned DEFAULT NULL, `retry_step2` int(10) unsigned DEFAULT NULL, `retry_step3` int(10) unsigned DEFAULT NULL,
  `start` int(11) DEFAULT NULL,
  `step1_duration` int(11) DEFAULT NULL, `step2_duration` int(11) DEFAULT NULL, `step3_duration` int(11) DEFAULT NULL,
  `env` varchar(64) DEFAULT '', `anonymous_env` varchar(5) DEFAULT NULL, `md5` varchar(35) DEFAULT NULL,
  `success` varchar(5) DEFAULT NULL, `error` varchar(255) DEFAULT '', `user` varchar(16) DEFAULT 'nobody',
  KEY `wid` (`wid`)
);
INSERT INTO `log` VALUES ('D-e1c6d8a2-0000-4000-8000-000000000001','node-1','SetDeploymentEnvUntrusted','BroadcastEnvKascade','BootNewEnvKexec',200,300,150,1,0,0,1460000000,101,62,55,'jessie-x64-big:2','false',NULL,'true','','carol'),('D-e1c6d8a2-0000-4000-8000-000000000001','node-2','SetDeploymentEnvUntrusted','','',200,0,0,2,0,0,1460000000,400,0,0,'jessie-x64-big:2','false',NULL,'false','Timeout: \'node-2\' not reachable (step);','carol');
INSERT INTO `log` VALUES ('R-e1c6d8a2-0000-4000-8000-000000000002','far-9','Simple','','',0,NULL,NULL,0,NULL,NULL,1460001000,33,NULL,NULL,'','false',NULL,'true','','dave');
-- Dump completed on 2016-04-07 12:00:00

# Makes of Debian's Gradle, which lies in folders of the system, a distribution that Gradle's wrapper can download, and the wrapper's own archive.
set -e
home=/tmp/made/gradle-4.4.1
mkdir -p $home/bin $home/lib/plugins /tmp/wrapper /tmp/patch

for jar in /usr/share/java/*.jar; do
  case $jar in
    */gradle-*-4.4.1.jar | */ant-[0-9]* | */ant-launcher-[0-9]* | */groovy-all-[0-9]*) ;;
    # The same under another name.
    */gradle-* | *-[0-9]*) continue ;;
  esac
  [[ ! -e $jar ]] || cp -L "$jar" $home/lib
done
cp -L /usr/share/gradle/lib/plugins/*.jar $home/lib/plugins
cp -L /usr/share/gradle/bin/gradle $home/bin

# Debian's looks into /usr/share/gradle for itself; any other one where it lies.
cat >/tmp/CurrentGradleInstallationLocator.java <<'JAVA'
package org.gradle.internal.installation;

import java.io.File;

abstract class CurrentGradleInstallationLocator {
  public static CurrentGradleInstallation locate() {
    File jar = new File(CurrentGradleInstallation.class.getProtectionDomain().getCodeSource().getLocation().getPath());
    return new CurrentGradleInstallation(new GradleInstallation(jar.getParentFile().getParentFile()));
  }
}
JAVA
javac --release 8 -Xlint:-options -d /tmp/patch -cp $home/lib/gradle-core-api-4.4.1.jar /tmp/CurrentGradleInstallationLocator.java
(cd /tmp/patch && zip -qr $home/lib/gradle-core-api-4.4.1.jar .)
(cd /tmp/made && zip -qr /tmp/app/gradle-4.4.1-bin.zip gradle-4.4.1)

cd /tmp/wrapper
for module in wrapper cli; do unzip -qo /usr/share/java/gradle-$module-4.4.1.jar; done
# What it tells of itself.
echo versionNumber=4.4.1 >build-receipt.properties
zip -qr /tmp/app/gradle-wrapper.jar .

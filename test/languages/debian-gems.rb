# Makes anew, of the gems that Debian's packages have installed, what an app brings along: vendor/cache, and the Gemfile.lock that
# Bundler writes for them. Native extensions come compiled and with the libraries that the stack lacks beside them, as in the gems that
# are published for one kind of machine.
#
# Runs in the folder that gets them, where the Gemfile lies.

require "bundler"
require "fileutils"
require "rubygems/package"
require "tmpdir"

LACKING = /\/lib(?:xml2|e?xslt|icu\w+|gcrypt|gpg-error)\.so/

# The files of an installed gem, by their paths in the gem: Debian has libraries and programs of some in folders that all share.
def files_of(spec)
  package = `dpkg-query --search #{File.realpath(spec.loaded_from)}`[/\A[^:]+/]
  `dpkg-query --listfiles #{package}`.split("\n").select { |path| File.file?(path) }.to_h do |path|
    inside = path[%r{/gems/#{Regexp.escape(spec.full_name)}/(.+)}, 1] || path[%r{/vendor_ruby/(?:\d[\d.]*/)?(.+)}, 1]&.prepend("lib/")
    inside ||= path[%r{/extensions/.+/#{Regexp.escape(spec.full_name)}/(.+)}, 1]&.prepend("lib/")
    inside ||= "#{spec.bindir}/#{File.basename(path)}" if spec.executables.include?(File.basename(path)) && path.start_with?("/usr/bin/")
    [inside, path]
  end.except(nil)
end

# Puts the libraries that the stack lacks beside the extensions that need them.
def bring_libraries(folder)
  Dir[File.join(folder, "lib/**/*.so")].each do |extension|
    libraries = `ldd #{extension}`.scan(%r{=> (/\S+)}).flatten.grep(LACKING)
    next if libraries.empty?
    FileUtils.cp(libraries, File.dirname(extension))
    system("patchelf", "--force-rpath", "--set-rpath", "$ORIGIN", extension, exception: true)
  end
end

def pack(spec, gem)
  Dir.mktmpdir do |folder|
    files_of(spec).each do |inside, path|
      FileUtils.mkdir_p(File.join(folder, File.dirname(inside)))
      FileUtils.cp(path, File.join(folder, inside))
    end
    bring_libraries(folder)
    copy = spec.dup
    copy.extensions = copy.test_files = copy.extra_rdoc_files = []
    Dir.chdir(folder) do
      copy.files = Dir["**/*", "**/.*"].select { |file| File.file?(file) }
      Gem::Package.build(copy, true, false, gem)
    end
  end
end

cache = File.expand_path("vendor/cache")
FileUtils.mkdir_p(cache)
system("bundle", "lock", "--local", exception: true)
Bundler::LockfileParser.new(File.read("Gemfile.lock")).specs.each do |locked|
  pack(Gem::Specification.find_by_name(locked.name, locked.version), File.join(cache, "#{locked.full_name}.gem"))
end

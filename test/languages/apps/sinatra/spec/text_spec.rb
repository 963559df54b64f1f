# RSpec is of the group `test`: only a build for tests has it.
RSpec.describe "the text" do
  it("is a number") { expect(File.read("text")).to match(/^(one|two)$/) }
end

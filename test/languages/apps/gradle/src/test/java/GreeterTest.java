import static org.junit.Assert.assertTrue;

import org.junit.Test;

public class GreeterTest {
  @Test
  public void greets() {
    assertTrue(Greeter.text().startsWith("built "));
  }
}

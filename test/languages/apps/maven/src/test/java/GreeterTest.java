import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class GreeterTest {
  @Test
  void greets() {
    assertTrue(Greeter.text().startsWith("built "));
  }
}

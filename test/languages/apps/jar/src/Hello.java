import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.file.*;
public class Hello {
  public static void main(String[] a) throws Exception {
    HttpServer s = HttpServer.create(new InetSocketAddress(Integer.parseInt(System.getenv("PORT"))), 0);
    s.createContext("/", e -> { byte[] b = Files.readAllBytes(Path.of("text")); e.sendResponseHeaders(200, b.length); e.getResponseBody().write(b); e.close(); });
    s.start();
  }
}

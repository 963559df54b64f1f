package com.example.hello;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

/** A small service with dependencies from a Maven repository. */
@SpringBootApplication
@RestController
public class Application {
  private static final String GREETING = "Hello from Java";

  public static void main(String[] args) {
    SpringApplication.run(Application.class, args);
  }

  @GetMapping("/")
  String greet() {
    return GREETING;
  }

  @GetMapping("/hello/{name}")
  String greet(@PathVariable("name") String name) {
    return GREETING + ", " + name;
  }
}

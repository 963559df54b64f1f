<?php

namespace App;

use Example\Greeting\Greeting;

final class Router
{
    public function answer(string $path): string
    {
        if (!preg_match('~^/hello/(\w+)$~', $path, $found)) {
            http_response_code(404);
            return "Not found\n";
        }
        return sprintf("%s, %s: %s", Greeting::loud(), $found[1], file_get_contents(__DIR__ . '/../text'));
    }
}

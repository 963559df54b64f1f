<?php

namespace Example\Greeting;

final class Greeting
{
    public static function loud(): string
    {
        return mb_strtoupper('Hello from a package');
    }
}

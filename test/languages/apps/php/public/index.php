<?php

require __DIR__ . '/../vendor/autoload.php';

header('Content-Type: text/plain');
echo (new App\Router())->answer(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH));

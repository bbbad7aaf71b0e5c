// An S3-compatible server that holds every request against its signature:
//   node server.mjs FOLDER PORT [KEY CERTIFICATE]   in a folder with node_modules; says its port; by TLS where
// these two files are named
// s3rver keeps the objects, and aws4 signs each request again: what does not match gets S3's own refusal.
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(path.join(process.cwd(), 'package.json'));
const S3rver = require('s3rver');
const aws4 = require('aws4');

const KEY = 'S3RVER';
const SECRET = 's3-test-secret';
const REGION = 'eu-test-1';
const [folder, port, key, certificate] = process.argv.slice(2);

/** What S3 would refuse the request with, or undefined. */
function refusal(request, body) {
    const found = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/
        .exec(request.headers.authorization ?? '');
    if (!found) {
        return 'AccessDenied';
    }
    const [, key, region, signed, signature] = found;
    if (key !== KEY) {
        return 'InvalidAccessKeyId';
    }
    if (region !== REGION) {
        return 'AuthorizationHeaderMalformed';
    }
    const headers = {};
    for (const name of signed.split(';')) {
        headers[name === 'x-amz-date' ? 'X-Amz-Date' : name] = request.headers[name];
    }
    const again = aws4.sign(
        { service: 's3', region, method: request.method, path: request.url, headers },
        { accessKeyId: KEY, secretAccessKey: SECRET },
    );
    if (!again.headers.Authorization.endsWith(`Signature=${signature}`)) {
        return 'SignatureDoesNotMatch';
    }
    const sum = crypto.createHash('sha256').update(body).digest('hex');
    if (request.headers['x-amz-content-sha256'] !== sum) {
        return 'XAmzContentSHA256Mismatch';
    }
    const digest = request.headers['content-md5'];
    return digest && digest !== crypto.createHash('md5').update(body).digest('base64') ? 'BadDigest' : undefined;
}

const inner = new S3rver({
    directory: folder,
    address: '127.0.0.1',
    port: 0,
    silent: true,
    configureBuckets: [{ name: 'archive' }],
});
const behind = await inner.run();

const answer = async (request, response) => {
    const pieces = [];
    for await (const piece of request) {
        pieces.push(piece);
    }
    const body = Buffer.concat(pieces);
    const code = refusal(request, body);
    if (code) {
        response.writeHead(code === 'BadDigest' ? 400 : 403, { 'Content-Type': 'application/xml' });
        response.end(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code></Error>`);
        return;
    }
    const on = http.request(
        { host: '127.0.0.1', port: behind.port, method: request.method, path: request.url,
          headers: request.headers },
        (said) => {
            response.writeHead(said.statusCode, said.headers);
            said.pipe(response);
        },
    );
    on.on('error', () => response.destroy());
    on.end(body);
};
const server = key
    ? https.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(certificate) }, answer)
    : http.createServer(answer);
server.listen(Number(port), '127.0.0.1', () => console.log(server.address().port));

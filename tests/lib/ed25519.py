"""ed25519.py - RFC 8032 section 5.1 by its formulas: slow, short, and nobody else's code

For tests that sign as logs and witnesses would, and check what our programs signed.
"""
import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
IDENTITY = (0, 1, 1, 0)


def add(a, b):
    """Section 5.1.4, in extended coordinates (X, Y, Z, T)."""
    left = (a[1] - a[0]) * (b[1] - b[0]) % P
    right = (a[1] + a[0]) * (b[1] + b[0]) % P
    product = 2 * a[3] * b[3] * D % P
    double = 2 * a[2] * b[2] % P
    e, f, g, h = right - left, double - product, double + product, right + left
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    total = IDENTITY
    while number:
        if number & 1:
            total = add(total, point)
        point = add(point, point)
        number >>= 1
    return total


def recover_x(y, odd):
    """Section 5.1.3, steps 2 to 4; None when there is no such point."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and odd):
        return None
    return P - x if x & 1 != odd else x


def point_of(x, y):
    return x, y, 1, x * y % P


BASE_Y = 4 * pow(5, -1, P) % P
BASE = point_of(recover_x(BASE_Y, 0), BASE_Y)


def encode(point):
    inverse = pow(point[2], -1, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(data):
    number = int.from_bytes(data, "little")
    y, odd = number & (1 << 255) - 1, number >> 255
    x = recover_x(y, odd) if y < P else None
    return None if x is None else point_of(x, y)


def digest(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def expand(seed):
    hashed = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(hashed[:32], "little") & ((1 << 254) - 8) | 1 << 254
    return scalar, hashed[32:]


def public_key(seed):
    return encode(times(expand(seed)[0], BASE))


def sign(seed, message):
    scalar, prefix = expand(seed)
    public = public_key(seed)
    nonce = digest(prefix, message) % ORDER
    start = encode(times(nonce, BASE))
    end = (nonce + digest(start, public, message) * scalar) % ORDER
    return start + end.to_bytes(32, "little")


def verify(public, message, signature):
    point, start = decode(public), decode(signature[:32])
    end = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or not point or not start or end >= ORDER:
        return False
    right = add(start, times(digest(signature[:32], public, message) % ORDER, point))
    return encode(times(end, BASE)) == encode(right)

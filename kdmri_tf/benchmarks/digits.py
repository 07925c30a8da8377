"""Numbers in the tables and figures of benchmarks, which are neither 1.2e+03 nor 0.0."""


def three_digits(value: float) -> str:
    """Returns at least three significant digits.

    Example:
        >>> three_digits(1250.4), three_digits(22.222), three_digits(0.012345)
        ('1250', '22.2', '0.0123')
    """
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def one_decimal(value: float) -> str:
    """Returns one digit after the point, and three significant ones below 1.

    Example:
        >>> one_decimal(1250.44), one_decimal(2), one_decimal(0.012345)
        ('1250.4', '2.0', '0.0123')
    """
    return f"{value:.1f}" if value >= 1 else f"{value:.3g}"

"""List prices of official APIs as of 2026-11, in USD per million tokens: what the vendors' price pages say.

Standard tier, text. Left out are models of which no price was found, and what is paid for otherwise: subscriptions
(coding plans), pictures, audio, searches, batches. `prices` in config.yaml goes before all of it. Columns: input,
output, cached input, cache writes (docs/usage.md).
"""

from typing import Final

from providers.official.prices import PriceTable, table

AS_OF: Final = "2026-11"

ANTHROPIC: Final[PriceTable] = table(
    """
    claude-fable-5-1                                                                10    50    0.25  12.5
    claude-fable-5                                                                  10    50    1     12.5
    claude-opus-5-5                                                                 4     20    0.2   5
    claude-opus-5,claude-opus-4-8,claude-opus-4-7,claude-opus-4-6,claude-opus-4-5   5     25    0.5   6.25
    claude-opus-4-1,claude-opus-4                                                   15    75    1.5   18.75
    claude-sonnet-5-5                                                               2     10    0.1   2.5
    claude-sonnet-5                                                                 2     10    0.2   2.5
    claude-sonnet-4-6,claude-sonnet-4-5,claude-sonnet-4,claude-3-7-sonnet           3     15    0.3   3.75
    claude-haiku-5-5                                                                0.1   0.5   0.01  0.125
    >100000                                                                         0.5   2.5   0.05  0.625
    claude-haiku-4-5                                                                1     5     0.1   1.25
    claude-3-5-haiku                                                                0.8   4     0.08  1
    """
)
"""platform.claude.com/docs/en/about-claude/pricing, cache writes of five minutes; those of an hour cost 1.6 times."""

OPENAI: Final[PriceTable] = table(
    """
    gpt-6-astra                                     10     50    1
    gpt-5.6-sol                                     5      30    0.5    6.25
    >272000                                         10     45    1      12.5
    gpt-5.6-terra                                   2      12    0.2    2.5
    >272000                                         4      18    0.4    5
    gpt-5.6-luna                                    0.2    1.2   0.02   0.25
    >200000                                         0.4    1.8   0.04   0.5
    gpt-5.5                                         5      30    0.5
    >272000                                         10     45    1
    gpt-5.5-pro,gpt-5.4-pro                         30     180
    gpt-5.4                                         2.5    15    0.25
    >272000                                         5      22.5  0.5
    gpt-5.4-mini                                    0.75   4.5   0.075
    gpt-5.4-nano                                    0.2    1.25  0.02
    gpt-5.3-codex,gpt-5.2-codex,gpt-5.2             1.75   14    0.175
    gpt-5.1,gpt-5.1-codex,gpt-5,gpt-5-codex         1.25   10    0.125
    gpt-5-mini                                      0.25   2     0.025
    gpt-5-nano                                      0.05   0.4   0.005
    gpt-4.1                                         2      8     0.5
    gpt-4.1-mini                                    0.4    1.6   0.1
    gpt-4.1-nano                                    0.1    0.4   0.025
    gpt-4o                                          2.5    10    1.25
    gpt-4o-mini                                     0.15   0.6   0.075
    text-embedding-3-small                          0.02   0
    text-embedding-3-large                          0.13   0
    omni-moderation                                 0      0
    """
)
"""developers.openai.com/api/docs/pricing"""

ZAI: Final[PriceTable] = table(
    """
    glm-5.3,glm-5.2,glm-5.1      1.4   4.4   0.26
    glm-5-turbo                  1.2   4     0.24
    glm-5                        1     3.2   0.2
    glm-4.7,glm-4.6,glm-4.5      0.6   2.2   0.11
    glm-4.5-air                  0.2   1.1   0.03
    glm-4.5v                     0.6   1.8   0.11
    glm-4.6v                     0.3   0.9   0.05
    """
)
"""docs.z.ai/guides/overview/pricing"""

DEEPSEEK: Final[PriceTable] = table(
    """
    deepseek-flash,deepseek-v4-flash   0.3    1.2    0.006
    deepseek-v4-pro                    1.32   3.96   0.044
    """
)
"""api-docs.deepseek.com/quick_start/pricing, at its peak hours: at other times it asks half of that."""

MOONSHOT: Final[PriceTable] = table(
    """
    kimi-k3          3      15   0.3
    kimi-k2.7-code   0.95   4    0.19
    kimi-k2.6        0.95   4    0.16
    kimi-k2.5        0.6    3    0.1
    """
)
"""platform.kimi.ai/docs/pricing"""

MINIMAX: Final[PriceTable] = table(
    """
    minimax-m3      0.3   1.2   0.06
    >512000         0.6   2.4   0.12
    minimax-m2.7    0.3   1.2   0.06   0.375
    minimax-m2.5    0.3   1.2   0.03   0.375
    """
)
"""platform.minimax.io/docs/guides/pricing-paygo"""

DASHSCOPE_INTL: Final[PriceTable] = table(
    """
    qwen-max           1.6   6.4
    qwen3-max          1.2   6
    >32768             2.4   12
    >131072            3     15
    qwen3-coder-plus   1     5
    >32768             1.8   9
    >131072            3     15
    >262144            6     60
    """
)
"""alibabacloud.com/help/en/model-studio/models, Singapore; without those that cost more while they think."""

XAI: Final[PriceTable] = table(
    """
    grok-4.6,grok-4.5   2   6    0.5
    >200000             4   12   1
    """
)
"""docs.x.ai/developers/models"""

GEMINI: Final[PriceTable] = table(
    """
    gemini-3.1-pro-preview   2      12    0.2
    >200000                  4      18    0.4
    gemini-3.5-flash         1.5    9     0.15
    gemini-2.5-pro           1.25   10    0.125
    >200000                  2.5    15    0.25
    gemini-2.5-flash         0.3    2.5   0.03
    gemini-2.5-flash-lite    0.1    0.4   0.01
    """
)
"""ai.google.dev/gemini-api/docs/pricing"""

MISTRAL: Final[PriceTable] = table(
    """
    mistral-medium-3-5,mistral-medium   1.5   7.5
    magistral-medium                    2     5
    codestral                           0.3   0.9
    mistral-embed                       0.1   0
    """
)
"""mistral.ai/pricing"""

GROQ: Final[PriceTable] = table(
    """
    openai/gpt-oss-120b       0.15    0.6    0.075
    openai/gpt-oss-20b        0.075   0.3    0.037
    llama-3.3-70b-versatile   0.59    0.79
    llama-3.1-8b-instant      0.05    0.08
    qwen/qwen3-32b            0.29    0.59
    """
)
"""console.groq.com/docs/models"""

"""What every country must satisfy: its files compose, its opening is the published one, its books
close."""

import numpy as np
import pytest

from sim.config.compose import compose
from sim.config.files import COUNTRY
from sim.config.folders import configs_here
from sim.core.errors import ConfigError
from sim.data.load import load
from sim.model.model import Kyosei

COUNTRIES = configs_here().options(COUNTRY)
SCALE = 0.02


@pytest.fixture(scope="module", params=COUNTRIES)
def model(request: pytest.FixtureRequest) -> Kyosei:
    words = [f"country={request.param}", f"scale={SCALE}", "end=2025-12", "threads=1"]
    config = compose(words)
    return Kyosei(config, load(config.country.data))


def test_the_opening_has_the_published_stocks_by_status(model: Kyosei):
    country = model.config.country
    table = load(country.data)["stocks_status"]
    published = table[table["date"] == model.config.start].set_index("status")["people"]
    opened = model.record.cubes[0].reshape(len(country.statuses), -1).sum(axis=1)
    for status, people in published.items():
        row = country.statuses.index(str(status))
        assert opened[row] == pytest.approx(people * SCALE, abs=1.0), status


def test_half_a_year_closes_its_books(model: Kyosei):
    """Kyosei raises where stocks do not follow from flows; people come, change and leave."""
    model.run()
    flows = np.add.reduce(model.record.flows)
    assert flows.sum() > 0
    assert sum(int(came.sum()) for came in model.record.came) > 0


def test_what_belongs_to_one_country_is_refused_by_another():
    with pytest.raises(ConfigError, match=r"no configs/scenario/korea/zero\.yaml"):
        compose(["country=korea", "scenario=zero"])
    with pytest.raises(ConfigError, match="fit of another country than korea"):
        compose(["country=korea", "fit=japan"])
    with pytest.raises(ConfigError, match="there is no"):
        compose(["country=korea", "policy.jp05.strength=0.5"])
    with pytest.raises(ConfigError, match="2021-12 to 2025-06"):
        compose(["country=korea", "experiment=past"])
